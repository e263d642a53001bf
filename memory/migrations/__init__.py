"""The archive's migrations, run by ``Archive.migrate()``."""
