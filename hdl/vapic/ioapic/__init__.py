"""I/O APIC: pins, redirection entries and request arbitration."""
