//===- ShardsTest.cpp - sharded checkpoints -------------------------------===//
//
// Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

using namespace llvm;
using namespace moe;
using namespace moe::test;

namespace {

class Shards : public FolderTest {
protected:
  void SetUp() override {
    FolderTest::SetUp();
    ASSERT_EQ(
        messageOf(writeSafetensors(path("1.safetensors"),
                                   {{"a", makeTensor(MOERT_F32, {1}, {1})},
                                    {"c", makeTensor(MOERT_F32, {1}, {3})}})),
        "");
    ASSERT_EQ(messageOf(writeSafetensors(
                  path("2.safetensors"),
                  {{"b", makeTensor(MOERT_BF16, {2}, {2, 4})},
                   {"unlisted", makeTensor(MOERT_F32, {1}, {9})}})),
              "");
  }

  /// Opens an index with this weight_map.
  Expected<Safetensors> openMap(const std::string &map) {
    return open("{\"metadata\":{\"total_size\":12},\"weight_map\":" + map +
                "}");
  }

  /// Opens an index with this text.
  Expected<Safetensors> open(StringRef text) {
    return Safetensors::open(put("model.safetensors.index.json", text));
  }

  std::string index() { return path("model.safetensors.index.json"); }
};

TEST_F(Shards, AreOneCheckpoint) {
  Safetensors file = must(openMap(R"({"b":"2.safetensors",
      "c":"1.safetensors", "a":"1.safetensors"})"));
  ASSERT_EQ(file.entries().size(), 3u);
  EXPECT_EQ(readElement(*file.find("a"), 0), 1);
  EXPECT_EQ(readElement(*file.find("b"), 1), 4);
  EXPECT_EQ(readElement(*file.find("c"), 0), 3);
  EXPECT_EQ(file.find("unlisted"), nullptr);
  expectMessage(messageOf(file.get("unlisted")), index(), "no such tensor");
}

TEST_F(Shards, AreOpenedOnceEach) {
  std::vector<std::string> opened;
  Safetensors file = must(Safetensors::parseIndex(
      R"({"weight_map":{"c":"1.safetensors","b":"2.safetensors",
          "a":"1.safetensors"}})",
      "index", [&](StringRef name) {
        opened.push_back(name.str());
        return Safetensors::open(path(name));
      }));
  EXPECT_EQ(opened,
            (std::vector<std::string>{"1.safetensors", "2.safetensors"}));
  EXPECT_EQ(file.entries().size(), 3u);
}

TEST_F(Shards, KeepUnusableTensorsApart) {
  put("8.safetensors", safetensors(R"({"q":{"dtype":"F8_E5M2","shape":[1],)"
                                   R"("data_offsets":[0,1]}})",
                                   "x"));
  Safetensors file =
      must(openMap(R"({"q":"8.safetensors","a":"1.safetensors"})"));
  EXPECT_EQ(file.find("q"), nullptr);
  expectMessage(messageOf(file.get("q")), index(), "got dtype 'F8_E5M2'");
  EXPECT_EQ(messageOf(file.get("a")), "");
}

TEST_F(Shards, StayInTheFolder) {
  for (const char *shard :
       {"../1.safetensors", "/etc/passwd", "..", ".", "", "a/../1.safetensors",
        "..\\\\1.safetensors", "c:1.safetensors", "1.safetensors\\u0000.x"})
    expectMessage(messageOf(openMap("{\"a\":\"" + std::string(shard) + "\"}")),
                  index(), "expected the name of a file beside the index");
}

TEST_F(Shards, RejectsBadIndexes) {
  expectMessage(messageOf(openMap(R"({"a":"3.safetensors"})")),
                path("3.safetensors"), "cannot open: No such file");
  expectMessage(messageOf(openMap(R"({"b":"1.safetensors"})")), index(),
                "tensor 'b': not in its shard '1.safetensors'");
  expectMessage(messageOf(openMap(R"({"a":"1.safetensors",
                                      "a":"2.safetensors"})")),
                index(), "name 'a': got it twice");
  expectMessage(messageOf(openMap(R"({"a":1})")), index(),
                "weight_map: JSON: got '1', expected a string");
  expectMessage(messageOf(openMap("[]")), index(), "expected an object");
  expectMessage(messageOf(openMap(R"({"a":"model.safetensors.index.json"})")),
                index(), "header length");
  put("3.safetensors", "");
  expectMessage(messageOf(openMap(R"({"a":"3.safetensors"})")),
                path("3.safetensors"), "size: got 0 bytes");
  expectMessage(messageOf(open("")), index(), "expected an object");
  expectMessage(messageOf(open("{}")), index(), "no 'weight_map'");
  expectMessage(messageOf(open("{\"x\":nope}")), index(), "JSON 'nope'");
  expectMessage(messageOf(open("{\"weight_map\":{},\"weight_map\":{}}")),
                index(), "name 'weight_map': got it twice");
  expectMessage(messageOf(open("\xff")), index(), "byte 0: got no UTF-8");
  expectMessage(messageOf(open("{\"weight_map\":" + std::string(100000, '['))),
                index(), "at most 64 deep");
}

} // namespace
