"""What LLM tasks beside the interests ask about and what they keep."""
