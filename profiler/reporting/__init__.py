"""The report: one HTML file about a store that works offline and makes no request."""
