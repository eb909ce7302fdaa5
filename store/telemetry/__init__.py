"""Traces of long work by OpenTelemetry, where its packages are installed and somebody listens."""
