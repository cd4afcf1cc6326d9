"""Runs a compiled model: memory, expressions, triggers and the scheduler of testbenches."""
