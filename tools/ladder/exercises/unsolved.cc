// SPDX-License-Identifier: MIT
//
// Runs the cases of all exercises over what learners find, and prints a line for each exercise:
// `ok` if some case fails, so that there is something to complete. That none of them ends the
// program is what its exit code says.

#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <map>
#include <string>

namespace {

class Count final : public doctest::IReporter {
 public:
  explicit Count(const doctest::ContextOptions&) {}

  void test_case_start(const doctest::TestCaseData& data) override {
    of_this_ = &exercises_[data.m_test_suite];
    ++of_this_->cases;
  }
  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    if (!stats.testCaseSuccess) ++of_this_->failed;
  }
  void test_run_end(const doctest::TestRunStats&) override {
    for (const auto& [title, count] : exercises_) {
      std::printf("%s exercise %s: %d of %d cases are to be made to hold\n",
                  count.failed != 0 ? "ok" : "not ok", title.c_str(), count.failed, count.cases);
    }
    if (exercises_.size() != EXERCISE_COUNT) std::puts("not ok each exercise has cases");
  }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}

 private:
  struct Cases {
    int cases = 0;
    int failed = 0;
  };
  std::map<std::string, Cases> exercises_;
  Cases* of_this_ = nullptr;
};

REGISTER_REPORTER("unsolved", 1, Count);

}  // namespace

int main() {
  doctest::Context context;
  context.addFilter("reporters", "unsolved");
  context.run();  // that cases fail is what is wanted
  return 0;
}
