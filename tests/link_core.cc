// SPDX-License-Identifier: MIT
//
// Linked with every object of libhilo-core.a and with nothing else of hilo: it fails to link once
// the core needs something from above.

int main() {
  return 0;
}
