// SPDX-License-Identifier: MIT

#include "tools/hilo/explain_html.h"

#include <nlohmann/json.hpp>

#include "tools/web/assets.h"

namespace hilo::tools {
namespace {

constexpr std::string_view begin = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>hilo explain</title>
<style>
  :root {
    --paper: #f3f5f6; --card: #fff; --ink: #1a2126; --soft: #56626b; --line: #d5dbdf;
    --field: #8a969e; --thread: #b81f45; --on-thread: #fff; --wrong: #9a3412;
    --mono: ui-monospace, "SFMono-Regular", "DejaVu Sans Mono", Menlo, Consolas, monospace;
  }
  @media (prefers-color-scheme: dark) {
    :root {
      --paper: #111518; --card: #191f23; --ink: #e4e9ec; --soft: #9aa7af; --line: #2c353b;
      --field: #6b7880; --thread: #ff8099; --on-thread: #1c0a10; --wrong: #ffb086;
    }
  }
  * { box-sizing: border-box; }
  body {
    margin: 0 auto; padding: 1.25rem 1rem; max-width: 70rem;
    background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif;
  }
  #layers ol { max-height: none; }
</style>
</head>
<body>
<h1>hilo explain</h1>
<section id="layers"></section>
<script>
)";

constexpr std::string_view end = R"(;
const layers = make_layers(document.getElementById("layers"), {live: false});
for (const parts of calls) layers.add(parts[0].connection ?? "", parts);
</script>
</body>
</html>
)";

// Nothing that a peer sent may end the script: "<" is the only way to that.
std::string harmless(std::string_view json) {
  std::string text;
  text.reserve(json.size());
  for (const char c : json) c == '<' ? text.append("\\u003c") : text.append(1, c);
  return text;
}

}  // namespace

void ExplainPage::add(std::string_view json_line) {
  const auto part = nlohmann::json::parse(json_line, nullptr, false);
  if (part.is_discarded()) return;
  const std::string direction =
      part.value("connection", std::string()) + ' ' + part.value("direction", std::string());
  const bool goes_on = !calls_.empty() && (direction == direction_ || part.value("depth", 0) != 0);
  calls_ += goes_on ? "," : (calls_.empty() ? "[" : "],\n[");
  calls_ += harmless(json_line.substr(0, json_line.size() - 1));  // without its line feed
  direction_ = direction;
}

std::string ExplainPage::text() const {
  std::string page{begin};
  page.append(as_text(web::asset("layers.js")));
  page.append("\nconst calls = [").append(calls_).append("]]");
  return page.append(end);
}

}  // namespace hilo::tools
