// SPDX-License-Identifier: MIT
//
// An input as a program, for the targets that run whole endpoints on the simulated network:
//
//   choices | step | step | ...            step:  what | size | size bytes
//
//   choices  one byte, what the endpoint is set up like
//   what     bits 0 to 4 the action, by the target's numbers; bits 5 and 6 one of four connections;
//            bit 7: the next step follows before the loop turns
//
// A step whose bytes are cut has those that are there. The mutator puts in, doubles, leaves out and
// exchanges whole steps, and changes the bytes of one; two programs are crossed between steps.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/mutator.h"
#include "net/duration.h"

namespace hilo::fuzz {

inline constexpr std::size_t step_bytes_max = 255;
inline constexpr std::size_t connections_max = 4;

struct Step {
  std::uint8_t action = 0;  // below 32
  std::uint8_t connection = 0;
  bool turns = true;
  std::string data = {};

  // A number of the step's own, where it has no more to say.
  std::uint8_t number() const { return data.empty() ? 0 : static_cast<std::uint8_t>(data[0]); }
  // The same as a time: milliseconds up to minutes.
  net::Duration duration() const {
    constexpr std::array<std::int64_t, 4> units{1, 100, 1000, 5000};
    return net::Duration::milliseconds(units[number() >> 6] * (number() & 0x3F));
  }
  // And its bytes as percent, for faults of the network.
  unsigned percent(std::size_t index) const {
    return index < data.size() ? static_cast<std::uint8_t>(data[index]) % 100U : 0U;
  }
};

struct Program {
  std::uint8_t choices = 0;
  std::vector<Step> steps;
};

inline Program read_program(std::string_view input) {
  Program program;
  const auto take = [&input] {
    const auto byte = static_cast<std::uint8_t>(input.empty() ? 0 : input[0]);
    input.remove_prefix(input.empty() ? 0 : 1);
    return byte;
  };
  program.choices = take();
  while (!input.empty()) {
    const std::uint8_t what = take();
    const std::size_t size = take();
    const std::string_view data = input.substr(0, size);
    input.remove_prefix(data.size());
    program.steps.push_back({static_cast<std::uint8_t>(what & 0x1F),
                             static_cast<std::uint8_t>(what >> 5 & 3), what < 0x80,
                             std::string(data)});
  }
  return program;
}

inline std::string write_program(const Program& program) {
  std::string text(1, test::as_char(program.choices));
  for (const Step& step : program.steps) {
    const std::string_view data = std::string_view(step.data).substr(0, step_bytes_max);
    const unsigned turn_bit = step.turns ? 0 : 0x80;
    text += test::as_char(turn_bit | static_cast<unsigned>(step.connection) << 5 | step.action);
    text += test::as_char(data.size());
    text += data;
  }
  return text;
}

// draw(random) makes a step of the target's.
template <class Draw>
std::size_t mutate_program(std::uint8_t* data, std::size_t size, std::size_t size_max,
                           unsigned seed, Draw&& draw) {
  if (LLVMFuzzerMutate == nullptr) return size;
  std::mt19937 random(seed);
  if (random() % 8 == 0) return LLVMFuzzerMutate(data, size, size_max);
  Program program = read_program({reinterpret_cast<const char*>(data), size});
  if (random() % 16 == 0) program.choices = static_cast<std::uint8_t>(random());
  mutate_pieces(
      program.steps, random, [&] { return draw(random); },
      [&](Step& step) {
        switch (random() % 8) {
          case 0: step.connection = static_cast<std::uint8_t>(random() % connections_max); break;
          case 1: step.turns = !step.turns; break;
          case 2: step.data = draw(random).data; break;
          default: mutate_bytes(step.data); break;
        }
      });
  return give_back(write_program(program), data, size_max);
}

// A target says these two; fuzz/program_entry.cc has what libFuzzer calls.
void run_program(const Program& program);
Step draw_step(std::mt19937& random);

// The beginning of one and the end of the other.
inline std::size_t cross_programs(std::string_view one, std::string_view other, std::uint8_t* out,
                                  std::size_t size_max, unsigned seed) {
  std::mt19937 random(seed);
  Program program = read_program(one);
  const Program rest = read_program(other);
  program.steps.resize(random() % (program.steps.size() + 1));
  const std::size_t from = random() % (rest.steps.size() + 1);
  program.steps.insert(program.steps.end(), rest.steps.begin() + static_cast<std::ptrdiff_t>(from),
                       rest.steps.end());
  return give_back(write_program(program), out, size_max);
}

}  // namespace hilo::fuzz
