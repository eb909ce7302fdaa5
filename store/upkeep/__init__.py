"""Checking, forgetting, editing and tidying a store."""
