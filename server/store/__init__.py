"""What the server remembers: classifiers, keys, usage and request records, in SQLite or PostgreSQL."""
