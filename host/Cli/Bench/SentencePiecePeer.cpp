// Encodes texts with SentencePiece on request and says how long it took, so that nothing but the library is timed.
//   argv[1]  the model
//   stdin    the number of texts, and of each its length in bytes and the bytes; then requests
//              'I'      -> of each text the number of ids and the ids
//              'T' n    -> the nanoseconds that encoding all texts n times took (64 bits)
// Numbers are of 32 bits in the machine's order.
#include <sentencepiece_processor.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

template <typename T>
static bool Read(T *value) { return std::fread(value, sizeof *value, 1, stdin) == 1; }

template <typename T>
static void Write(const T &value) { std::fwrite(&value, sizeof value, 1, stdout); }

int main(int argc, char **argv) {
  sentencepiece::SentencePieceProcessor processor;
  if (argc != 2 || !processor.Load(argv[1]).ok()) return 1;

  uint32_t count, length;
  if (!Read(&count)) return 2;
  std::vector<std::string> texts(count);
  for (auto &text : texts) {
    if (!Read(&length)) return 2;
    text.resize(length);
    if (length > 0 && std::fread(&text[0], 1, length, stdin) != length) return 2;
  }

  std::vector<int> ids;
  for (char request; Read(&request);) {
    if (request == 'I') {
      for (const auto &text : texts) {
        if (!processor.Encode(text, &ids).ok()) return 3;
        Write(static_cast<uint32_t>(ids.size()));
        for (const int id : ids) Write(static_cast<int32_t>(id));
      }
    } else {
      uint32_t rounds;
      if (!Read(&rounds)) return 2;
      const auto started = std::chrono::steady_clock::now();
      for (uint32_t round = 0; round < rounds; ++round) {
        for (const auto &text : texts) {
          if (!processor.Encode(text, &ids).ok()) return 3;
        }
      }
      Write(static_cast<int64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - started).count()));
    }
    std::fflush(stdout);
  }
}
