"""Commands that show what a store holds and measure it."""
