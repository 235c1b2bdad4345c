package peers

// ContextScript makes, in the working directory, the files that the tests' Dockerfiles copy.
const ContextScript = `
	umask 022
	mkdir -p dir/sub/deep other modes linked
	echo a > a.txt; echo b > b.txt; echo c > c.md; echo x > 'a file'; : > empty
	echo 1 > dir/one; echo 2 > dir/sub/two; echo 3 > dir/sub/deep/three; ln -s one dir/link; ln -s nowhere dir/dangling
	echo o > other/one; ln -s dir dirlink; ln -s a.txt filelink; ln dir/one linked/hard
	echo m > modes/suid; chmod 4755 modes/suid; echo p > modes/private; chmod 600 modes/private; chmod 750 modes; chmod 700 dir/sub
	printf '#!/bin/sh\necho hi\n' > script.sh; chmod 755 script.sh
	mkdir t; echo in > t/in; mkdir t/d; echo deep > t/d/deep; chmod 711 t/d; ln -s in t/ln
	tar -C t --owner=12 --group=34 --mtime=2020-01-02 -cf t.tar .; gzip -kn t.tar; bzip2 -k t.tar; xz -k t.tar; rm -r t
	printf 'root:x:0:0:root:/root:/bin/sh\nweb:x:1001:1002::/:/bin/sh\n' > passwd; printf 'root:x:0:\nwww:x:33:\n' > group
	find . -exec touch -h -d '2021-02-03 04:05:06' {} +`
