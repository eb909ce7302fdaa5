"""Several stores into one: what they share stays single, what contradicts itself is named."""
