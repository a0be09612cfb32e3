"""What outlives us: rows in SQLite or PostgreSQL, by the same statements."""
