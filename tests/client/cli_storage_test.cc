// What the client says of disks and checkpoints, and the words of its machine output.
#include "gmock/gmock.h"
#include "tests/client/cli_fixture.h"

namespace athanor::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class GarbageVerb : public CliTest {
 protected:
  GarbageVerb() {
    coordinator_.garbage = Parse<v1::GarbageReport>(R"pb(
      deleted { trial_number: 1 step: 3 size_bytes: 2048 sha256: "aa" reason: "FAILED; a retry trains from step 0" }
      deleted { trial_number: 12 step: 27 size_bytes: 100 sha256: "bb" reason: "PRUNED, and not among the best 1" }
      deleted_bytes: 2148
      kept: 4
      kept_bytes: 4096
    )pb");
  }
};

TEST_F(GarbageVerb, ListsWhatWentAndWhy) {
  EXPECT_EQ(Run({"study", "gc", "quick"}).out,
            "TRIAL  STEP     SIZE  REASON\n"
            "    1     3  2.0 KiB  FAILED; a retry trains from step 0\n"
            "   12    27    100 B  PRUNED, and not among the best 1\n"
            "\n"
            "deleted 2 checkpoints, 2.1 KiB; kept 4, 4.0 KiB\n");
  EXPECT_FALSE(coordinator_.last_collection().dry_run());
  EXPECT_EQ(coordinator_.last_collection().study(), "quick");
  EXPECT_EQ(coordinator_.last_collection().request_id().size(), 32);
  EXPECT_EQ(Run({"study", "gc", "quick", "-q"}).out, "aa\nbb\n");
}

TEST_F(GarbageVerb, ADryRunSaysWhatWouldGo) {
  EXPECT_THAT(Run({"study", "gc", "quick", "--dry-run"}).out,
              HasSubstr("would delete 2 checkpoints, 2.1 KiB; kept 4, 4.0 KiB\n"));
  EXPECT_TRUE(coordinator_.last_collection().dry_run());
  coordinator_.garbage.mutable_deleted()->RemoveLast();
  EXPECT_THAT(Run({"study", "gc", "quick", "--dry-run"}).out, HasSubstr("would delete 1 checkpoint, "));
  coordinator_.garbage.Clear();
  EXPECT_EQ(Run({"study", "gc", "quick", "--dry-run"}).out, "would delete 0 checkpoints, 0 B; kept 0, 0 B\n");
}

TEST_F(GarbageVerb, HasEveryFormat) {
  EXPECT_THAT(Run({"study", "gc", "quick", "-o", "json"}).out,
              AllOf(HasSubstr("\"number\": 12"), HasSubstr("\"deleted_bytes\": 2148"), HasSubstr("\"kept\": 4")));
  EXPECT_THAT(Run({"study", "gc", "quick", "-o", "yaml"}).out, StartsWith("deleted:\n  - number: 1\n    step: 3\n"));
  EXPECT_EQ(Run({"study", "gc", "quick", "-o", "csv"}).out,
            "number,step,size_bytes,sha256,reason\r\n"
            "1,3,2048,aa,FAILED; a retry trains from step 0\r\n"
            "12,27,100,bb,\"PRUNED, and not among the best 1\"\r\n");
}

TEST_F(CliTest, ServerStatusIsReadable) {
  coordinator_.status = Parse<v1::ServerStatus>(R"pb(
    version: "0.1.0"
    uptime_ms: 151000
    database: "athanor.db"
    database_bytes: 1572864
    checkpoint_bytes: 1048576
    checkpoint_quota_bytes: 4194304
    disk_free_bytes: 2147483648
    disk_total_bytes: 5368709120
    log_bytes: 1024
    artifact_bytes: 2048
  )pb");
  const std::string text = Run({"server", "status"}).out;
  EXPECT_THAT(text, StartsWith("version     0.1.0, up 2m31s\n"));
  EXPECT_THAT(text, HasSubstr("database    athanor.db (1.5 MiB, schema 0)\n"
                              "checkpoints 1.0 MiB of 4.0 MiB (25%)\n"
                              "disk        2.0 GiB free of 5.0 GiB, where the checkpoints are\n"
                              "logs        1.0 KiB\n"
                              "artifacts   2.0 KiB\n"));
  EXPECT_THAT(text, Not(HasSubstr("integrity")));
  EXPECT_THAT(Run({"server", "status", "-o", "json"}).out,
              AllOf(HasSubstr("\"disk_free_bytes\": 2147483648"), HasSubstr("\"checkpoint_quota_bytes\": 4194304")));
}

TEST_F(CliTest, ServerStatusNamesWhatIsWrong) {
  coordinator_.status.set_write_error("athanor.db: disk full");
  coordinator_.status.set_integrity("checking");
  const std::string text = Run({"server", "status"}).out;
  EXPECT_THAT(text, HasSubstr("checkpoints 0 B, no quota\n"));
  EXPECT_THAT(text, HasSubstr("integrity   checking\n"));
  EXPECT_THAT(text, HasSubstr("not writing athanor.db: disk full\n"));
}

TEST_F(CliTest, MachineOutputWritesStatesAsTheDocumentationDoes) {
  EXPECT_THAT(Run({"study", "show", "quick", "-o", "json"}).out,
              AllOf(HasSubstr("\"state\": \"ACTIVE\""), HasSubstr("\"COMPLETED\": 1")));
  EXPECT_THAT(Run({"trial", "list", "quick", "-o", "csv"}).out, HasSubstr("\r\n1,PRUNED,"));
  EXPECT_THAT(Run({"trial", "list", "quick", "-o", "yaml"}).out, HasSubstr("state: WAITING\n"));
  coordinator_.detail = Parse<v1::TrialDetail>(R"pb(
    attempts { token: 9 outcome: ATTEMPT_OUTCOME_PAUSED }
    decisions { step: 1 rule: "asha" action: ACTION_PAUSE }
  )pb");
  EXPECT_THAT(Run({"trial", "show", "quick", "0", "-o", "json"}).out,
              AllOf(HasSubstr("\"outcome\": \"PAUSED\""), HasSubstr("\"action\": \"PAUSE\"")));
}

TEST_F(CliTest, FiltersTakeStatesInEitherCase) {
  for (const char* states : {"pruned,FAILED", "PRUNED,failed"}) {
    ASSERT_EQ(Run({"trial", "list", "quick", "--state", states}).exit_code, kOk) << states;
    EXPECT_THAT(coordinator_.last_list().filter().states(),
                ElementsAre(v1::TRIAL_STATE_PRUNED, v1::TRIAL_STATE_FAILED));
  }
}

TEST_F(CliTest, TopListsTheBestInOrderOfTheirValue) {
  const Outcome outcome = Run({"trial", "list", "quick", "--top", "2", "-q"});
  EXPECT_EQ(outcome.out, "0\n1\n");
  EXPECT_EQ(coordinator_.last_list().order(), v1::TRIAL_ORDER_BEST);
  EXPECT_THAT(Run({"trial", "list", "quick", "--top", "2"}).out, Not(HasSubstr("--limit for more")));
  EXPECT_EQ(Run({"trial", "list", "quick", "--top", "2", "--order", "newest"}).exit_code, kBadInput);
  EXPECT_EQ(Run({"trial", "list", "quick", "--top", "2", "--limit", "3"}).exit_code, kBadInput);
  EXPECT_EQ(Run({"trial", "list", "quick", "--top", "0"}).exit_code, kBadInput);
}

}  // namespace
}  // namespace athanor::cli
