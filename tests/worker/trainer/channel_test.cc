#include "worker/trainer/channel.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "worker/trainer/messages.h"

namespace athanor {
namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("cannot create a pipe");
    read_end = ends[0];
    write_end = ends[1];
  }
  ~Pipe() {
    close(read_end);
    CloseWriteEnd();
  }
  void CloseWriteEnd() {
    if (write_end >= 0) close(write_end);
    write_end = -1;
  }
  int read_end;
  int write_end;
};

void Put(int descriptor, const std::string& bytes) {
  ASSERT_EQ(write(descriptor, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
}

TEST(LineReader, SplitsAtNewlinesWhereverTheBytesArrive) {
  Pipe pipe;
  LineReader reader(pipe.read_end);
  Put(pipe.write_end, "one\n\ntw");
  EXPECT_EQ(reader.Read(), "one");
  EXPECT_EQ(reader.Read(), "");
  Put(pipe.write_end, "o\nunfinished");
  EXPECT_EQ(reader.Read(), "two");
  pipe.CloseWriteEnd();
  EXPECT_EQ(reader.Read(), std::nullopt);
}

TEST(LineReader, TakesALineOfOneMebibyteAndRefusesALongerOne) {
  Pipe pipe;
  std::thread writer([&] {
    LineWriter lines(pipe.write_end);
    lines.Write(std::string(kMaxLineBytes, 'x'));
    lines.Write(std::string(kMaxLineBytes + 1, 'x'));
    pipe.CloseWriteEnd();
  });
  LineReader reader(pipe.read_end);
  EXPECT_EQ(reader.Read()->size(), kMaxLineBytes);
  EXPECT_THROW(reader.Read(), ProtocolError);
  char rest[1 << 16];
  while (read(pipe.read_end, rest, sizeof(rest)) > 0) {
  }
  writer.join();
}

TEST(LineWriter, NeverInterleavesLines) {
  Pipe pipe;
  LineWriter lines(pipe.write_end);
  std::thread a([&] {
    for (int i = 0; i < 50; ++i) lines.Write(std::string(10000, 'a'));
  });
  std::thread b([&] {
    for (int i = 0; i < 50; ++i) lines.Write(std::string(10000, 'b'));
  });
  LineReader reader(pipe.read_end);
  int whole = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string line = *reader.Read();
    whole += line == std::string(10000, line.at(0));
  }
  EXPECT_EQ(whole, 100);
  a.join();
  b.join();
}

TEST(LineWriter, NoticesThatTheReaderIsGone) {
  std::signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  close(pipe.read_end);
  EXPECT_FALSE(LineWriter(pipe.write_end).Write("x"));
}

}  // namespace
}  // namespace athanor
