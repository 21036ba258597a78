"""Training, evaluation and export; torch and transformers live here only."""
