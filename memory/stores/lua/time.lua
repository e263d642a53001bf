-- The server's time. KEYS[1] any key, to choose a node; replies {seconds, microseconds}
return time
