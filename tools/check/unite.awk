# SPDX-License-Identifier: MIT
#
# unite.awk TEST.cc...: the files one after the other, to be compiled as one. What stands behind the
# includes of each gets a namespace of its own, so that two may use one name; lines and names of files
# stay what they are, for messages and for doctest's --source-file.

function finish() {
  if (space != "") print "}  // namespace " space
}

FNR == 1 {
  finish()
  space = FILENAME
  gsub(/[^A-Za-z0-9]/, "_", space)
  last_include = lines = 0
  while ((getline line < FILENAME) > 0) {
    ++lines
    if (line ~ /^#include/) last_include = lines
  }
  close(FILENAME)
  print "#line 1 \"" FILENAME "\""
}

{ print }

FNR == last_include {
  print "namespace " space " {"
  print "#line " (FNR + 1) " \"" FILENAME "\""
}

END { finish() }
