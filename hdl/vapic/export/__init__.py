"""Verilog and RTLIL output, and descriptions for other tools."""
