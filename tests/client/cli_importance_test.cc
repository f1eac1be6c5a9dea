#include "gmock/gmock.h"
#include "tests/client/cli_fixture.h"

namespace athanor::cli {
namespace {

using ::testing::HasSubstr;

class ImportanceVerb : public CliTest {
 protected:
  ImportanceVerb() {
    coordinator_.importance = Parse<v1::Importance>(R"pb(
      entries { parameter: "lr" importance: 0.75 }
      entries { parameter: "opt" importance: 0.25 }
      trials: 40
      step: 3
    )pb");
  }
};

TEST_F(ImportanceVerb, ShowsSharesAsBarsAndWhatTheyAreFrom) {
  const std::string text = Run({"study", "importance", "quick"}).out;
  EXPECT_THAT(text, HasSubstr("PARAMETER  IMPORTANCE"));
  EXPECT_THAT(text, HasSubstr("lr              75.0%"));
  EXPECT_THAT(text, HasSubstr("opt             25.0%"));
  EXPECT_THAT(text, HasSubstr("\nfrom 40 trials at step 3, since some were stopped early\n"));
  EXPECT_EQ(coordinator_.importance_method(), v1::GetImportanceRequest::METHOD_PED_ANOVA);
  EXPECT_EQ(Run({"study", "importance", "quick", "-q"}).out, "lr\nopt\n");
  coordinator_.importance.clear_step();
  EXPECT_THAT(Run({"study", "importance", "quick"}).out, HasSubstr("\nfrom the best values of 40 trials\n"));
}

TEST_F(ImportanceVerb, AsksForTheMethodGiven) {
  EXPECT_EQ(Run({"study", "importance", "quick", "--method", "fanova"}).exit_code, kOk);
  EXPECT_EQ(coordinator_.importance_method(), v1::GetImportanceRequest::METHOD_FANOVA);
  const Outcome refused = Run({"study", "importance", "quick", "--method", "shap"});
  EXPECT_EQ(refused.exit_code, kBadInput);
  EXPECT_THAT(refused.err, HasSubstr("shap"));
  EXPECT_THAT(Run({"study", "importance", "--help"}).out, HasSubstr("athanor study importance fashion-lenet"));
}

TEST_F(ImportanceVerb, HasEveryFormat) {
  EXPECT_THAT(Run({"study", "importance", "quick", "-o", "json"}).out, HasSubstr("\"parameter\": \"lr\""));
  EXPECT_EQ(Run({"study", "importance", "quick", "-o", "yaml"}).out,
            "parameters:\n  - parameter: lr\n    importance: 0.75\n  - parameter: opt\n    importance: 0.25\n"
            "trials: 40\nstep: 3\n");
  EXPECT_EQ(Run({"study", "importance", "quick", "-o", "csv"}).out, "parameter,importance\r\nlr,0.75\r\nopt,0.25\r\n");
}

}  // namespace
}  // namespace athanor::cli
