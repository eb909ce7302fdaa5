"""Asking about subjects: the port to chat models, transport, ledger, answers to interests."""
