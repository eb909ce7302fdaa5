"""Metrics, full-ranking evaluation, slices and diagnostics."""
