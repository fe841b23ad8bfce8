/* SPDX-License-Identifier: Apache-2.0 */
/* preset_text.S - takes the text files into the program as they are. */
    .section .rodata
#define PRESET(id)                                                                                 \
    .globl preset_##id, preset_##id##_end;                                                         \
    preset_##id: .incbin PRESET_FILE(id);                                                          \
    preset_##id##_end: .byte 0;
#define TEXT(x) #x
#define PRESET_FILE(id) TEXT(host/machines/id.txt)
#include "host/machines/presets.def"
    .section .note.GNU-stack, "", @progbits
