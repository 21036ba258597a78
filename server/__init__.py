"""The HTTP server over `nli_tagger`; it never imports torch or transformers."""
