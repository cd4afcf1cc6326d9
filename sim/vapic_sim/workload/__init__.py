"""Interrupt traces and synthetic arrivals."""
