"""The assistants, one a folder: `rm -r` one, and the others go on."""
