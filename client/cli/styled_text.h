// Text for terminals: lines of styled spans whose width on the screen is known, so that columns line up and nothing
// wraps.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace athanor::cli {

// kAscii where the locale is not UTF-8.
enum class Charset { kAscii, kUtf8 };
enum class Colour { kNever, kAnsi };

// How text may look where it is going.
struct Look {
  Charset charset = Charset::kUtf8;
  Colour colour = Colour::kNever;
};

enum class Style { kPlain, kBold, kDim, kGood, kBad, kWarn, kActive };

// Columns that `text` (UTF-8) takes: 2 for wide East Asian characters and emoji, 0 for combining marks. Bytes that are
// no UTF-8 count 1 each.
size_t DisplayWidth(std::string_view text);

// `text` cut to `width` columns, the last of them an ellipsis if anything was cut.
std::string Truncate(std::string_view text, size_t width, Charset charset);

// One line. Control characters in what is appended become spaces: a name cannot move the cursor.
class StyledLine {
 public:
  StyledLine() = default;
  explicit StyledLine(std::string_view text, Style style = Style::kPlain) { Append(text, style); }

  StyledLine& Append(std::string_view text, Style style = Style::kPlain);
  StyledLine& Append(const StyledLine& line);
  // Adds spaces until the line is `width` columns wide; nothing if it is already.
  StyledLine& PadTo(size_t width);
  // Cuts to `width` columns, with an ellipsis if anything was cut.
  void Fit(size_t width, Charset charset);

  size_t width() const { return width_; }
  // The line as bytes, without a newline and without spaces at its end. Under Charset::kAscii what is not ASCII becomes
  // '?'.
  std::string Render(const Look& look) const;

 private:
  struct Span {
    std::string text;
    Style style;
  };
  std::vector<Span> spans_;
  size_t width_ = 0;
};

}  // namespace athanor::cli
