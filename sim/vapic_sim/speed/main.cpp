// Runs a simulation of the measured design for as many cycles as standard input says, line by line.
#include <chrono>
#include <cstdint>
#include <cstdio>

#ifdef CXXRTL
#include "top.cc"
struct Design {
  cxxrtl_design::p_top top;
  void step(bool clk) { top.p_clk.set(clk); top.step(); }
  uint32_t digest() { return top.p_digest.get<uint32_t>(); }
  uint32_t taken() { return top.p_taken.get<uint32_t>(); }
  Design() { top.p_rst.set(false); step(false); }
};
#else
#include "Vtop.h"
#include "verilated.h"
struct Design {
  VerilatedContext context;
  Vtop top{&context};
  void step(bool clk) { top.clk = clk; top.eval(); }
  uint32_t digest() { return top.digest; }
  uint32_t taken() { return top.taken; }
  Design() { top.rst = 0; step(false); }
};
#endif

int main() {
  Design design;
  for (long cycles; std::scanf("%ld", &cycles) == 1;) {
    auto start = std::chrono::steady_clock::now();
    for (long i = 0; i < cycles; i++) { design.step(true); design.step(false); }
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::printf("%.9f %u %u\n", seconds.count(), design.digest(), design.taken());
    std::fflush(stdout);
  }
}
