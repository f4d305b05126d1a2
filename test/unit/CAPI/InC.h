/*===- InC.h - a C program's use of moe.h
----------------------------------===*\
|* Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
\*===----------------------------------------------------------------------===*/
#ifndef MOE_TEST_UNIT_CAPI_INC_H
#define MOE_TEST_UNIT_CAPI_INC_H

#if defined(__cplusplus)
extern "C" {
#endif

/* Each returns null if all went as it should, else the line and the text of the
 * expectation that did not hold, and the library's last message. */
const char *testVersions(void);
const char *testWholeWay(void);
const char *testOwnWorkspaceAndContext(void);
const char *testBlob(void);
const char *testEmit(void);
const char *testDiagnostics(void);
const char *testNullHandles(void);
const char *testDestroyedHandles(void);
const char *testWrongHandles(void);
const char *testAnyOrderOfDestruction(void);
const char *testStructSizes(void);
const char *testBadArguments(void);

#if defined(__cplusplus)
}
#endif

#endif
