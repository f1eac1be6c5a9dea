#include "client/cli/styled_text.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

namespace athanor::cli {
namespace {

struct Character {
  size_t bytes;
  size_t columns;
};

struct Range {
  uint32_t first;
  uint32_t last;
};

bool Contains(const Range* begin, const Range* end, uint32_t code) {
  return std::any_of(begin, end, [&](const Range& range) { return code >= range.first && code <= range.last; });
}

// The common part of Unicode's East Asian Width W and F, and of its combining marks; wcwidth() would depend on the
// locale.
constexpr Range kWide[] = {{0x1100, 0x115F}, {0x2E80, 0xA4CF}, {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},  {0xFE30, 0xFE6F},
                           {0xFF00, 0xFF60}, {0xFFE0, 0xFFE6}, {0x1F300, 0x1FAFF}, {0x20000, 0x3FFFD}};
constexpr Range kCombining[] = {{0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}};

// The character at the start of `text`, which is not empty.
Character FirstCharacter(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const size_t bytes = byte(0) < 0x80 ? 1 : (byte(0) & 0xE0) == 0xC0 ? 2 : (byte(0) & 0xF0) == 0xE0 ? 3 : 4;
  if (bytes == 1 || bytes > text.size()) return {1, 1};
  uint32_t code = byte(0) & (0xFF >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {1, 1};
    code = code << 6 | (byte(i) & 0x3F);
  }
  if (Contains(std::begin(kCombining), std::end(kCombining), code)) return {bytes, 0};
  return {bytes, Contains(std::begin(kWide), std::end(kWide), code) ? size_t{2} : size_t{1}};
}

// The longest start of `text` of at most `width` columns.
std::string_view Prefix(std::string_view text, size_t width) {
  size_t bytes = 0;
  for (size_t columns = 0; bytes < text.size();) {
    const Character character = FirstCharacter(text.substr(bytes));
    if (columns + character.columns > width) break;
    columns += character.columns;
    bytes += character.bytes;
  }
  return text.substr(0, bytes);
}

std::string_view Ellipsis(Charset charset) { return charset == Charset::kUtf8 ? "…" : "~"; }

std::string_view Escape(Style style) {
  switch (style) {
    case Style::kPlain:
      return "";
    case Style::kBold:
      return "\x1b[1m";
    case Style::kDim:
      return "\x1b[2m";
    case Style::kGood:
      return "\x1b[32m";
    case Style::kBad:
      return "\x1b[31m";
    case Style::kWarn:
      return "\x1b[33m";
    case Style::kActive:
      return "\x1b[36m";
  }
  return "";
}

std::string ToAscii(std::string_view text) {
  std::string ascii;
  while (!text.empty()) {
    const Character character = FirstCharacter(text);
    ascii += static_cast<unsigned char>(text[0]) < 0x80 ? text.substr(0, 1) : std::string_view("??", character.columns);
    text.remove_prefix(character.bytes);
  }
  return ascii;
}

}  // namespace

size_t DisplayWidth(std::string_view text) {
  size_t columns = 0;
  while (!text.empty()) {
    const Character character = FirstCharacter(text);
    columns += character.columns;
    text.remove_prefix(character.bytes);
  }
  return columns;
}

std::string Truncate(std::string_view text, size_t width, Charset charset) {
  if (DisplayWidth(text) <= width) return std::string(text);
  if (width == 0) return "";
  return std::string(Prefix(text, width - 1)) + std::string(Ellipsis(charset));
}

StyledLine& StyledLine::Append(std::string_view text, Style style) {
  std::string clean(text);
  for (char& c : clean) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  width_ += DisplayWidth(clean);
  if (!clean.empty()) spans_.push_back({std::move(clean), style});
  return *this;
}

StyledLine& StyledLine::Append(const StyledLine& line) {
  spans_.insert(spans_.end(), line.spans_.begin(), line.spans_.end());
  width_ += line.width_;
  return *this;
}

StyledLine& StyledLine::PadTo(size_t width) {
  return width_ < width ? Append(std::string(width - width_, ' ')) : *this;
}

void StyledLine::Fit(size_t width, Charset charset) {
  if (width_ <= width) return;
  std::vector<Span> kept;
  size_t used = 0;
  for (Span& span : spans_) {
    const size_t columns = DisplayWidth(span.text);
    // The span that reaches the last column gives way to the ellipsis, for more follows.
    if (used + columns >= width) {
      span.text += ' ';  // makes a span that ends exactly there too wide as well
      span.text = Truncate(span.text, width - used, charset);
      kept.push_back(std::move(span));
      break;
    }
    used += columns;
    kept.push_back(std::move(span));
  }
  spans_ = std::move(kept);
  width_ = 0;
  for (const Span& span : spans_) width_ += DisplayWidth(span.text);
}

std::string StyledLine::Render(const Look& look) const {
  std::string out;
  size_t visible = 0;  // bytes up to the last one that is not a space
  for (const Span& span : spans_) {
    const bool styled = look.colour == Colour::kAnsi && span.style != Style::kPlain;
    const std::string text = look.charset == Charset::kUtf8 ? span.text : ToAscii(span.text);
    if (styled) out += Escape(span.style);
    out += text;
    const bool blank = text.find_first_not_of(' ') == std::string::npos;
    if (styled) {
      out += "\x1b[0m";
      if (!blank) visible = out.size();
    } else if (!blank) {
      visible = out.find_last_not_of(' ') + 1;
    }
  }
  out.resize(visible);
  return out;
}

}  // namespace athanor::cli
