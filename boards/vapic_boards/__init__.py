"""FPGA boards for the vapic controller; none is described yet."""
