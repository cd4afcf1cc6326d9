"""Prints a trace with N interrupts of a line that two devices share: ``... 16000``."""
import sys

for i in range(int(sys.argv[1])):
    for j, name in enumerate(("usb-a", "usb-b")):
        t = 100 * i + 2 * j
        for us, event in ((t, f"irq_handler_entry: irq=16 name={name}"),
                          (t + 1, f"irq_handler_exit: irq=16 ret={('unhandled', 'handled')[j]}")):
            print(f"          <idle>-0       [001] d.h1. {us // 10**6}.{us % 10**6:06d}: {event}")
