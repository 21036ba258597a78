"""The recipe of the embedded default model; `python -m training.default_model --help`."""
