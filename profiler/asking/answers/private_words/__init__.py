"""Words and rules, by language, that tell statements about a person from tastes about items."""
