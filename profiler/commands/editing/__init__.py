"""Commands that change a store by hand."""
