// SPDX-License-Identifier: MIT
//
// Router: which of a server's patterns fits the path of a request.
//
//   /health           fits exactly that
//   /rooms/:id/posts  ":id" stands for one segment that is not empty
//   /files/*          "*" at the end stands for the rest, which may be empty and may hold slashes;
//                     "*path" is the same with another name than "*"
//
// Where several fit, each segment from the left decides: text goes before a parameter, a parameter
// before the rest. So "/rooms/new" is found before "/rooms/:id", in whichever order they were made.
// A filter may pass over what fits best: the next one is looked at then, in this order.
//
// Paths are compared byte by byte, as they came: nothing is decoded, no slash is added or dropped.
// A path with a segment "." or "..", in any spelling with %2E, fits neither a parameter nor a rest,
// so that none of them ever hears of a way upwards.
//
//   time    Each segment is compared once at each place of the table where it may stand: once where
//           the table has no place with both text and a parameter. No allocation in find().
//   thread  find() may be called from many at once, add() from one alone

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/result.h"

namespace hilo::ws {

// What stood in the place of a pattern's parameters. Views into the path and into the router.
class PathParameters {
 public:
  static constexpr std::size_t count_max = 8;

  // As it came, not decoded: see ws/core/percent.h.
  std::optional<std::string_view> find(std::string_view name) const noexcept;
  std::size_t size() const noexcept { return count_; }

 private:
  friend class Router;
  struct Parameter {
    std::string_view name;
    std::string_view value;
  };
  std::array<Parameter, count_max> all_;
  std::size_t count_ = 0;
};

class Router {
 public:
  static constexpr std::size_t segments_max = 32;

  // Asked about patterns that fit, one after the other, until it takes one.
  class Filter {
   public:
    virtual bool takes(std::uint32_t pattern) = 0;

   protected:
    ~Filter() = default;
  };

  Router();

  // The number of the pattern, counted from 0 in the order in which they were added first.
  // Errc::argument: it does not begin with '/', has a byte that no path has, a parameter without a
  // name or with the name of another one, a '*' that is not at the end, more segments than
  // segments_max or more parameters than PathParameters::count_max; or its fellow with other names
  // for the parameters is there already.
  Result<std::uint32_t> add(std::string_view pattern);

  // The number of the pattern that fits, and what stood in the place of its parameters, which is
  // valid as long as `path` and until the next add().
  std::optional<std::uint32_t> find(std::string_view path, PathParameters& parameters,
                                    Filter* filter = nullptr) const noexcept;

 private:
  static constexpr std::uint32_t none = 0xFFFFFFFF;
  // A place between two slashes.
  struct Node {
    std::string text;                   // unless it is a parameter
    std::vector<std::uint32_t> texts;   // what may follow, in the order of their text
    std::uint32_t parameter = none;     // the node of a parameter that may follow
    std::uint32_t pattern = none;       // that ends here
    std::uint32_t rest_pattern = none;  // that ends with a rest behind this
  };
  struct Pattern {
    std::string text;
    std::vector<std::string> names;
  };

  static Status split(std::string_view pattern, std::vector<std::string_view>& segments,
                      Pattern& into);
  std::uint32_t text_below(std::uint32_t node, std::string_view text) const noexcept;
  std::uint32_t make_below(std::uint32_t node, std::string_view segment);
  struct Search;
  std::uint32_t find_below(std::uint32_t node, std::string_view rest, Search& search) const;

  std::vector<Node> nodes_;  // the first stands in front of every path
  std::vector<Pattern> patterns_;
};

}  // namespace hilo::ws
