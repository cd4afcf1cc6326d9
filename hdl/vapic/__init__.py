"""Interrupt controller for virtual machines in Amaranth HDL."""

from .config import Config

__all__ = ["Config"]
