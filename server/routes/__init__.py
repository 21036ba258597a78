"""One thin file per group of endpoints."""
