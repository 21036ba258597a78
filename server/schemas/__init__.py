"""Bodies of requests and answers. Where Classer has a field, the name is Classer's."""
