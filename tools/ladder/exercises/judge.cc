// SPDX-License-Identifier: MIT
//
// judge [FILE]: runs the cases of an exercise for whoever is completing FILE, and tells which of
// them hold, and of each other one what was found first. Ends with 0 if all of them hold. Without
// FILE it stands behind the engine's answers, all together, as one of the tests.
//
// What ends a program in the midst of a case is told, too: a signal by doctest; a loop without an
// end, and a write to a peer that is gone, by this.

#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <sstream>
#include <string>
#include <string_view>

namespace {

// Guards, and no measurements: of what a case computes, and of how long it waits for others.
constexpr unsigned processor_seconds_max = 10;
constexpr unsigned seconds_max = 120;

const char* completed_file = "as hilo does";
const char* current_case = "";

// Called by the kernel in the midst of anything, so it may do no more than write.
void case_ended_by(int signal) {
  const char* why = signal == SIGPIPE
                        ? "\n        ended by SIGPIPE, for a peer that is gone: see MSG_NOSIGNAL\n"
                        : "\n        ended by the judge: it does not come to an end\n";
  for (const char* text : {"not ok  ", current_case, why}) {
    if (::write(STDOUT_FILENO, text, std::strlen(text)) < 0) break;
  }
  ::_exit(1);
}

void set_guards(unsigned of_processor, unsigned of_all) {
  itimerval processor{};
  processor.it_value.tv_sec = of_processor;
  ::setitimer(ITIMER_PROF, &processor, nullptr);
  ::alarm(of_all);
}

std::string file_name(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

// "tools/.../07_frame_test.cc" asks what "tools/.../07_frame.h" says.
std::string question_of(std::string_view test_file) {
  return std::string(test_file.substr(0, test_file.rfind("_test.cc"))) + ".h";
}

class Judge final : public doctest::IReporter {
 public:
  explicit Judge(const doctest::ContextOptions&) {}

  void test_case_start(const doctest::TestCaseData& data) override {
    if (data.m_test_suite != exercise_) {
      exercise_ = data.m_test_suite;
      std::printf("\nExercise %s\n\nasked in  %s\nanswered  %s\n\n", data.m_test_suite,
                  question_of(data.m_file.c_str()).c_str(), completed_file);
    }
    ++cases_;
    failures_ = 0;
    found_.clear();
    current_case = data.m_name;
    std::fflush(stdout);
    set_guards(processor_seconds_max, seconds_max);
  }
  void log_assert(const doctest::AssertData& data) override {
    if (!data.m_failed || ++failures_ > 1) return;
    found_ = file_name(data.m_file) + ":" + std::to_string(data.m_line) + ": " + data.m_expr;
    if (data.m_threw) found_ += std::string("\n        threw ") + data.m_exception.c_str();
    const std::string values = data.m_decomp.c_str();
    if (!values.empty() && values != data.m_expr) found_ += "\n        is " + values;
    for (int i = 0; i < get_num_active_contexts(); ++i) {
      std::ostringstream text;
      get_active_contexts()[i]->stringify(&text);
      found_ += "\n        with " + text.str();
    }
  }
  void test_case_exception(const doctest::TestCaseException& exception) override {
    if (++failures_ == 1) found_ = std::string("ended by ") + exception.error_string.c_str();
  }
  void test_case_end(const doctest::CurrentTestCaseStats&) override {
    set_guards(0, 0);
    std::printf("%-6s  %s\n", failures_ == 0 ? "ok" : "not ok", current_case);
    if (failures_ == 0) ++held_;
    if (failures_ != 0) std::printf("        %s\n", found_.c_str());
    if (failures_ > 1) std::printf("        (and %d of its checks more)\n", failures_ - 1);
  }
  void test_run_end(const doctest::TestRunStats&) override {
    std::printf("\n%d of %d hold%s\n", held_, cases_, held_ == cases_ ? ": solved." : ".");
    std::fflush(stdout);
  }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}

 private:
  std::string exercise_;
  int cases_ = 0;
  int held_ = 0;
  int failures_ = 0;  // of this case
  std::string found_;
};

REGISTER_REPORTER("judge", 1, Judge);

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) completed_file = argv[1];
  for (const int signal : {SIGPROF, SIGALRM, SIGPIPE}) ::signal(signal, case_ended_by);
  doctest::Context context;
  context.addFilter("reporters", "judge");
  return context.run();
}
