"""Which of the stored interests are a user's."""
