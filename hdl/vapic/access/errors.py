"""The error log: ERRSTAT and ERRINFO (chapter 6)."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..layouts import Err

__all__ = ["ErrorLog"]

_BITS = 14


class ErrorLog(wiring.Component):
    """Keep which errors were seen, and where the first one was.

    What is reported in one cycle is visible in the next. A report beats a clear of its bit
    (GEN-04). Of two reports in one cycle the access comes before the policy. ``info`` holds the
    first error until the bit of that error is cleared; then it is 0 until the next error. The clear
    of ``info`` comes a cycle after that of its bit: who clears it is an access, and there is no
    error of another one before the next.

    Members
    -------
    err : ``In(Err)``
        Error of an access, NONE if there is none in this cycle.
    addr, dom : ``In(24)``, ``In(4)``
        Where it was, and the domain of the master.
    policy_error : ``In(1)``
        Reserved policy used at a grant (ERR-07): logged with address and domain 0.
    clear : ``In(14)``
        Bits of ``stat`` to clear; no ``err`` in this cycle.
    stat : ``Out(14)``
        ERRSTAT: bit i-1 for ERR-i.
    info : ``Out(32)``
        ERRINFO: {address[23:0], domain[27:24], ERR[31:28]}.
    """

    err: In(Err)
    addr: In(24)
    dom: In(4)
    policy_error: In(1)
    clear: In(_BITS)
    stat: Out(_BITS)
    info: Out(32)

    def elaborate(self, platform):
        m = Module()
        seen = Cat(self.err == i + 1 for i in range(_BITS))
        policy = self.policy_error << (Err.POLICY - 1)
        first = Cat(self.addr, self.dom, self.err)
        fallback = Cat(Const(0, 28), Const(Err.POLICY, 4))

        held = self.info[28:]
        free, clear, before = Signal(), Signal.like(self.clear), Signal()
        m.d.sync += [clear.eq(self.clear), before.eq(self.policy_error)]
        m.d.comb += free.eq((held == 0) | (Cat((held == i + 1) for i in range(_BITS))
                                           & clear).any())

        m.d.sync += self.stat.eq(self.stat & ~self.clear | seen | policy)
        with m.If(free):
            m.d.sync += self.info.eq(
                Mux(before & clear.any(), fallback, Mux(
                    self.err != Err.NONE, first, Mux(self.policy_error, fallback, 0))))
        return m
