"""FPGA boards for the vapic controller."""
