"""One file per model; ``base`` says what they share and makes one by name."""
