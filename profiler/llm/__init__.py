"""What talks to a language model; it knows no subject and no store."""
