"""What the controller takes on an FPGA: area and timing, measured; no board is described yet."""
