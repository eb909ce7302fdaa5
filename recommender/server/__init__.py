"""The production service: lists and explanations over HTTP, for programs."""
