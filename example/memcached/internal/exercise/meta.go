package exercise

import "strings"

func metaStorage(s *session) {
	s.say("delete mk noreply")
	s.say("mg mk", "EN")
	s.say("mg mk v k Oabc", "EN kmk Oabc")
	s.say("mg mk v q") // a miss is silent
	s.say("me mk", "EN")
	s.say("ms mk 1 MR\nx", "NS")
	s.say("ms mk 1 MA\nx", "NS")
	s.say("ms mk 1 C1\nx", "NF")
	cas := s.say("ms mk 2 T60 F7 c k Oabc\nhi", `^HD c(\d+) kmk Oabc$`)
	s.say("mg mk", "HD")
	s.say("mg mk v", "VA 2", "hi")
	s.say("mg mk s v t f h l k c Oxyz", `^VA 2 s2 t(?:60|59|58) f7 h1 l[012] kmk c`+cas+` Oxyz$`, "hi")
	s.say("ms mk 2 C"+cas+"\nho", "HD")
	s.say("ms mk 2 C"+cas+"\nhu", "EX")
	s.say("ms mk 1 ME\nx", "NS")
	s.say("ms mk 2 MR\nho", "HD")
	s.say("ms mk 2 MA\nXX", "HD")
	s.say("ms mk 2 MP\nYY", "HD")
	s.say("ms mk 6 MS q\nYYhoXX")
	s.say("mg mk s v u", "VA 6 s6", "YYhoXX")
	s.say("mg mk T30 t", `^HD t(?:30|29|28)$`)
	s.say("get mk", "VALUE mk 0 6", "YYhoXX", "END") // both protocols see one cache
	s.say("me mk", `^ME mk exp=-?\d+ la=\d+ cas=\d+ fetch=yes cls=\d+ size=\d+$`)
	s.say("md mk C1", "EX")
	s.say("md mk k Oa", "HD kmk Oa")
	s.say("md mk k Oa", "NF kmk Oa")
	s.say("md mk q", "NF") // only success is silent

	s.say("ms Zm9v 3 b\nbar", "HD") // base64 for foo
	s.say("mg Zm9v b k v", "VA 3 kZm9v b", "bar")
	s.say("me Zm9v b", `^ME Zm9v exp=-1 la=\d+ cas=\d+ fetch=yes cls=\d+ size=\d+$`)
	s.say("get foo", "VALUE foo 0 3", "bar", "END")
	s.say("md Zm9v b", "HD")
}

func metaNumbers(s *session) {
	s.say("delete ma noreply")
	s.say("ma ma", "NF")
	s.say("ma ma q", "NF") // only success is silent
	s.say("ma ma N0 J13 v", "VA 2", "13")
	s.say("ma ma v", "VA 2", "14")
	s.say("ma ma D10 v", "VA 2", "24")
	s.say("ma ma MD D5 v", "VA 2", "19")
	s.say("ma ma M+ q")
	cas := s.say("ma ma M- D500 v t c", `^VA 1 t-1 c(\d+)$`, "0")
	s.say("ma ma MI C"+cas, "HD")
	s.say("ma ma C"+cas, "EX")
	s.say("ma ma T50 t v", `^VA 1 t(?:50|49|48)$`, "2")
	s.say("ms ma 1\nx", "HD")
	s.say("ma ma", "CLIENT_ERROR cannot increment or decrement non-numeric value")
}

// metaStale checks what lets one client recache for all.
func metaStale(s *session) {
	s.say("delete sa noreply")
	s.say("mg sa N30 v t", `^VA 0 t(?:30|29|28) W$`, "")
	s.say("mg sa N30 v", "VA 0 Z", "")
	s.say("ms sa 1 T10\nx", "HD")
	s.say("mg sa R30 v", "VA 1 W", "x")
	s.say("mg sa R30 v", "VA 1 Z", "x")
	s.say("ms sa 2\nhi", "HD")
	s.say("md sa I T30", "HD")
	s.say("mg sa s v t", `^VA 2 s2 t(?:30|29|28) X W$`, "hi")
	s.say("mg sa v", "VA 2 Z X", "hi")
	s.say("ms sa 2\nhi", "HD")
	s.say("ms sa 2 I C1\nho", "HD") // an older cas is taken, and marked stale
	s.say("mg sa v", "VA 2 X W", "ho")
	s.say("md sa", "HD")
}

func metaMistakes(s *session) {
	for _, command := range []string{"mg", "ms", "md", "ma"} {
		s.say(command, "ERROR")
	}
	for _, command := range []string{"me", "ms x y", "mg " + strings.Repeat("k", 251)} {
		s.say(command, "CLIENT_ERROR bad command line format")
	}
	s.say("mg x !", "CLIENT_ERROR invalid flag")
	s.say("mg x v v", "CLIENT_ERROR duplicate flag")
	s.say("ms x 2 MZ\nhi", "CLIENT_ERROR invalid mode for ms M token")
	s.say("ms x 2 T\nhi", "CLIENT_ERROR bad token in command line format")
	s.say("ms x 2\nabcd", "CLIENT_ERROR bad data chunk", "ERROR")
	s.say("ma x Dx", "CLIENT_ERROR invalid or duplicate flag")
}
