"""Commands that fill a store: data, subjects, interests, assignments, and their prompts."""
